// Shows the API document of this deployment; the token typed into "Authorize" stays in this page.
window.ui = SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
