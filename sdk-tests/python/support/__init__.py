"""What the stories are told with: a server, its people, its clock, its gate and a backend."""
