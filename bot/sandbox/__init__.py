"""Everything on this machine: an emulated Slack workspace, an emulated Onetime Secret, the real bot between them."""
