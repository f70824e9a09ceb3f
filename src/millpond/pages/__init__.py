"""Sign-up, sign-in, account, portal, device and outbox pages: plain HTML that needs no script, drawn on the server.

Pages know the services behind them only as the protocols of `spec.py`, in the words of `millpond.visit`. One file a
family of pages; `routes.py` is the list of them, `asgi.py` the way in, `guard.py` what every request must pass.
"""
