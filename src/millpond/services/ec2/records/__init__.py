"""What EC2 remembers: frozen values, one family a file. Nothing here is about what *is*; hosts are asked that anew."""
