"""What is made of an image once its brain is found; each module is a stage of the rule."""
