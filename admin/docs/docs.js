/** Shows /openapi.json with Swagger UI. Runs in the browser, as it is. A token that is entered lasts as long as the page. */
globalThis.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  displayOperationId: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: false,
  // No badge of a validator elsewhere: the page asks nobody but this control plane.
  validatorUrl: null,
})
