"""The rules of server 0.7 where they are not those of 0.15: functions of one transaction."""
