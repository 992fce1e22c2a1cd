"""What `offerhub.app` is put together from: one step of the start a module."""
