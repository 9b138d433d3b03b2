"""Names and discovery of a BIDS dataset."""
