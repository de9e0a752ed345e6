"""What sharing, generating and answering a request have in common."""
