"""What every handler uses: interactions, services, owners, pages of lists, and pasted links."""
