"""HTTP: routers, schemas and the error map; the only room that knows fastapi."""
