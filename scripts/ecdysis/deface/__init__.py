"""Removing the face from an image of the head."""
