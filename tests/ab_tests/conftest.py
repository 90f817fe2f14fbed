from tests.serving.conftest import served_world, service, two_versions

__all__ = ["served_world", "service", "two_versions"]
