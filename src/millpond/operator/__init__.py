"""The operator's door: what the command line may ask a running control plane, on a unix socket of the same user.

`facts` are the values that cross it, `spec` is what the control plane answers (implemented in `app`), `door` serves
that on the socket, `home` says who runs in a home (lock, run record). Nothing of AWS is decided here: a call is handed
to the gateway's own door and passes the same authorisation as any other. The command line imports `facts`, `spec` and
`home` only, which cost nothing.
"""
