"""What is pushed: watches over websockets, the change log as it grows."""
