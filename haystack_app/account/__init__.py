"""The page of a user's own account: password, tokens and logins."""
