import { documentationPage } from '../documentationPage.js';
import { openApiDocument } from '../openApiDocument.js';
import type { Route } from '../route.js';

/** This API for people. */
export const documentation: Route = {
  method: 'GET',
  path: '/',
  summary: 'This API as a page to read',
  responses: { 200: { description: 'The page.', types: { 'text/html': { type: 'string' } } } },
  handle: ({ house }) => ({
    body: documentationPage(openApiDocument(house)),
    type: 'text/html; charset=utf-8',
    headers: { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" },
  }),
};
