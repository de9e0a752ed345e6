"""The database itself: connections, transactions, its clock, its file, and the migrations."""
