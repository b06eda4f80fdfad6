"""What programs ask: our own API, that of OpenAI, and MCP."""
