pytest_plugins = ["tests.plugins.mutants", "tests.plugins.summary"]
