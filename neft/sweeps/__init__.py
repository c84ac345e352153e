"""Many runs at once: here or on a cluster, and how long they will take. Which runs, is `neft.experiments`."""
