"""Figures and pages, made from the records that jobs leave."""
