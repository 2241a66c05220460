"""Messages of an MQTT broker, as samples and current values of points."""
