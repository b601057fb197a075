"""What runs a model file; one file a runtime. Only the separate process of `sandbox` loads one."""
