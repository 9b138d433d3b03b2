"""From a folder of scanner files to a plan of BIDS images, by headers alone."""
