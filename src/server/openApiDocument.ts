/** The API as an OpenAPI 3.1 document, made from the routes: what is documented is what is checked. */
import { CONTAINER_TYPES } from './requestParts.js';
import type { House, Route } from './route.js';

/** The parts of an OpenAPI document that are used here. */
export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: object;
}

/** One method of one path. */
export interface Operation {
  summary: string;
  description?: string;
  operationId: string;
  parameters?: { name: string; in: 'query'; description: string; required: boolean; schema: object }[];
  requestBody?: { required: boolean; description: string; content: Record<string, object> };
  responses: Record<string, { description: string; content?: Record<string, object> }>;
}

/** Errors of every route that takes files, as the documentation lists them. */
const INPUT_ERRORS: Record<number, string> = {
  400: 'A query, form or JSON that makes no sense.',
  404: 'The model cannot do this.',
  408: 'The request did not arrive in time.',
  413: 'Too many bytes, pixels, seconds or inputs.',
  415: 'A type or encoding that is not taken.',
  422: 'A file that cannot be decoded.',
  503: 'Too much to do at the moment; Retry-After says when to come again.',
};

/** Describes the routes that the served model can answer. */
export function openApiDocument(house: House): OpenApiDocument {
  const { model, routes, decoder } = house;
  const able = routes.filter(({ task }) => task === undefined || model.tasks.includes(task));
  const paths: OpenApiDocument['paths'] = {};
  for (const route of able) {
    paths[route.path] = { [route.method.toLowerCase()]: operationOf(route, decoder.types, house) };
  }
  const inputs = model.modalities.map(
    ({ name, indexShape, channels }) => `${name} ${[...indexShape, channels].join(' x ')}`,
  );
  return {
    openapi: '3.1.0',
    info: {
      title: `Hiperceiver: ${model.name}`,
      version: '1',
      description: `A model of ${inputs.join(', ')}${model.classes ? ` and ${model.classes.length} classes` : ''}. Errors are {"error": {"code", "message"}}; every answer carries x-request-id.`,
    },
    paths,
    components: {
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string', description: 'one sentence' } },
            },
          },
        },
      },
    },
  };
}

function operationOf(route: Route, types: readonly string[], { options }: House): Operation {
  const error = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  const errors = route.method === 'POST' ? INPUT_ERRORS : {};
  const responses = Object.entries(route.responses).map(([status, { description, types }]) => {
    const content = Object.entries(types).map(([type, schema]) => [type, { schema }]);
    return [status, { description, content: Object.fromEntries(content) }];
  });
  return {
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    operationId: `${route.method.toLowerCase()}${route.path.replace(/\W+(\w?)/g, (_, c: string) => c.toUpperCase())}`,
    ...(route.query ? { parameters: parametersOf(route.query) } : {}),
    ...(route.method === 'POST' ? { requestBody: bodyOf(types, options.maxInputs, options.maxBody) } : {}),
    responses: {
      ...Object.fromEntries(responses),
      ...Object.fromEntries(Object.entries(errors).map(([s, description]) => [s, { description, content: error }])),
    },
  };
}

function parametersOf(query: NonNullable<Route['query']>): Operation['parameters'] {
  return Object.entries(query).map(([name, { help, range, choices, default: value }]) => ({
    name,
    in: 'query',
    description: help,
    required: false,
    schema: {
      ...(range
        ? { type: range.whole ? 'integer' : 'number', minimum: range.least, maximum: range.most }
        : { type: 'string', enum: choices }),
      ...(value === undefined ? {} : { default: value }),
    },
  }));
}

/** One raw file, a form of files, or JSON. */
function bodyOf(types: readonly string[], maxInputs: number, maxBody: number): Operation['requestBody'] {
  const binary = { schema: { type: 'string', format: 'binary' } };
  const [form, json] = CONTAINER_TYPES;
  const base64 = { type: 'string', contentEncoding: 'base64' };
  const named = {
    type: 'object',
    required: ['data'],
    properties: { data: base64, type: { type: 'string' }, name: { type: 'string' } },
  };
  return {
    required: true,
    description: `One file as it is, or up to ${maxInputs} in a form or in JSON; at most ${maxBody.toLocaleString('en-US')} bytes.`,
    content: {
      ...Object.fromEntries(types.map((type) => [type, binary])),
      [form]: {
        schema: {
          type: 'object',
          properties: { file: { type: 'array', items: { type: 'string', format: 'binary' } } },
        },
      },
      [json]: {
        schema: {
          type: 'object',
          required: ['inputs'],
          properties: {
            inputs: { type: 'array', minItems: 1, maxItems: maxInputs, items: { anyOf: [base64, named] } },
          },
        },
      },
    },
  };
}
