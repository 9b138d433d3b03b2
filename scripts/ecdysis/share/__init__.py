"""One folder to publish: what goes into it, and a scanner that checks it."""
