"""Which series becomes which image."""
