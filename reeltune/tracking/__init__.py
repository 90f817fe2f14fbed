"""Where results come from, and where a running study is watched."""
