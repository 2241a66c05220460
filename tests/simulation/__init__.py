"""What a server of many points needs: a smaller one is loaded as that would be."""
