"""The operations of the four services of Identity Center: a package a service, one file a resource family."""
