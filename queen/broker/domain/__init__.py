"""What the broker does, apart from HTTP: functions of one transaction."""
