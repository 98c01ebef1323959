/** Results as JSON, and the schemas that describe them. */

/** Numbers as short as they can be without another float32 being meant; what is not finite becomes `null`. */
export function floats(values: Float32Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(9)));
}

/** The schema of an answer that lists one result for each input. */
export function resultsSchema(properties: Record<string, object>): object {
  return {
    type: 'object',
    required: ['model', 'results'],
    properties: {
      model: { type: 'string', description: 'system/variant' },
      results: {
        type: 'array',
        items: {
          type: 'object',
          required: Object.keys(properties),
          properties: { name: { type: 'string', description: 'the file’s name, where one was sent' }, ...properties },
        },
      },
    },
  };
}
