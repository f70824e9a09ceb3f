"""What Identity Center remembers: frozen values, one file a family. Fields are the columns of `tables/schema.py`."""
