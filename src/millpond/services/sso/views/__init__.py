"""Records as the four APIs answer them."""
