"""`aws login`: a console user's browser session becomes short credentials for tools, by OAuth with DPoP."""
