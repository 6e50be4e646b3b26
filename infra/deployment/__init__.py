"""What infra/deploy is made of."""
