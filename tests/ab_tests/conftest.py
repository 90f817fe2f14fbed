from tests.serving.conftest import served_world, service, shared_service, two_versions

__all__ = ["served_world", "service", "shared_service", "two_versions"]
