/** The OpenAPI document as one HTML page that needs nothing else: no scripts, no addresses. */
import type { OpenApiDocument, Operation } from './openApiDocument.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #17202b; --muted: #5b6776; --line: #d9dee5; --paper: #fff; --soft: #f4f6f9; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --muted: #9aa6b4; --line: #333c48; --paper: #12161c; --soft: #1b212a; --accent: #6db3ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0; display: flex; gap: .6rem; align-items: baseline; }
p { margin: .4rem 0; } .muted { color: var(--muted); } small { color: var(--muted); font-weight: 400; }
section { border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin-top: 1.1rem; }
code, pre { font: .86rem/1.5 ui-monospace, monospace; } pre { background: var(--soft); border-radius: 8px; padding: .7rem .9rem; overflow-x: auto; margin: .7rem 0; }
.method { color: var(--accent); font: 600 .85rem ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--line); } th { border: 0; color: var(--muted); font-weight: 500; padding-bottom: .1rem; }
td:first-child { white-space: nowrap; } a { color: var(--accent); }
@media (max-width: 34rem) { td:first-child { white-space: normal; } }
`;

/** Renders the page. */
export function documentationPage({ info, paths }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method.toUpperCase(), path, operation)),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(info.title)}</h1>
<p class="muted">${escaped(info.description)} For programs: <a href="openapi.json">openapi.json</a>. In the examples <code>$URL</code> is this server, as in <code>URL=http://127.0.0.1:8080</code>.</p>
${operations.join('\n')}
</body>
</html>
`;
}

function section(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  return `<section>
<h2><span class="method">${method}</span> <code>${escaped(path)}</code> <small>${escaped(summary)}</small></h2>
${description ? `<p>${escaped(description)}</p>` : ''}
${requestBody ? `<p>${escaped(requestBody.description)} <span class="muted">${escaped(Object.keys(requestBody.content).join(', '))}</span></p>` : ''}
${table(
  ['query', 'what it is', 'default'],
  parameters.map(({ name, description, schema }) => [name, description, defaultOf(schema)]),
)}
<pre>${escaped(example(method, path))}</pre>
${table(
  ['answer', 'what it means', 'as'],
  Object.entries(responses).map(([status, { description, content = {} }]) => [
    status,
    description,
    Object.keys(content).join(', '),
  ]),
)}
</section>`;
}

function defaultOf(schema: object): string {
  return 'default' in schema ? String(schema.default) : '';
}

/** A command line that works on the machine of the server's own port; \`$URL\` stands for the address. */
function example(method: string, path: string): string {
  if (method === 'GET') return `curl "$URL${path}"`;
  const out = path.endsWith('reconstruct') ? ' -o filled-in.png' : '';
  return [
    `curl "$URL${path}" -H "content-type: image/jpeg" --data-binary @cat.jpg${out}`,
    ...(out ? [] : [`curl "$URL${path}" -F file=@cat.jpg -F file=@dog.png`]),
  ].join('\n');
}

function table(header: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  const cells = (row: string[], tag: string) => row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  return `<table><tr>${cells(header, 'th')}</tr>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</table>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
}
