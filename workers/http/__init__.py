"""HTTP to addresses that strangers chose."""
