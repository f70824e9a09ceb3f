"""How the promises about replication groups are kept: `plan` decides, purely; `controller` commits and acts."""
