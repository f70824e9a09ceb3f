"""The API: one file per resource family, one function per AWS operation. Each only writes intent."""
