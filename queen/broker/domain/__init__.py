"""What the broker does, apart from HTTP: functions of one transaction. The rules are those of server 0.15."""
