import { ensure } from '../errors/index.js';
import { pngDataUri } from './png.js';
import { reportStyle } from './reportStyle.js';
import { escapeXml, Figure } from './svg.js';

/** A table of a report; a column whose cells are all numbers is set flush right. */
export interface ReportTable {
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** One part of a report, shown in the order text, figure, table, code. */
export interface ReportSection {
  heading: string;
  /** Paragraphs separated by empty lines; `code` and **bold** are understood. */
  text?: string;
  /** A figure (drawn in the page's colours) or the bytes of a PNG file. */
  figure?: Figure | Uint8Array;
  /** Below the figure. */
  caption?: string;
  table?: ReportTable;
  code?: string;
}

/** A number worth a large print at the top. */
export interface KeyFigure {
  value: string;
  label: string;
  /** What to compare it with: `chance 0.014`. */
  note?: string;
}

/** All that a report page shows, top to bottom. */
export interface Report {
  title: string;
  /** One paragraph or more below the title. */
  summary: string;
  keyFigures?: readonly KeyFigure[];
  sections: readonly ReportSection[];
  /** Last line: versions, date, seed. */
  footer?: string;
}

/**
 * A report as one HTML file: style, letters and pictures are inside, no script, no address outside, light and dark.
 * Everything that the caller passes is escaped.
 */
export function renderReport({ title, summary, keyFigures = [], sections, footer = '' }: Report): string {
  const ids = sections.map((_, i) => `s${i + 1}`);
  const contents =
    sections.length < 4
      ? ''
      : `<nav aria-label="Contents"><ol>${sections.map((s, i) => `<li><a href="#${ids[i]}">${escapeXml(s.heading)}</a></li>`).join('')}</ol></nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeXml(title)}</title>
<style>${reportStyle()}</style>
</head>
<body>
<main>
<header>
<h1>${escapeXml(title)}</h1>
<div class="summary">${paragraphs(summary)}</div>
</header>
${keyFigures.length > 0 ? `<dl class="key">${keyFigures.map(keyFigure).join('')}</dl>` : ''}
${contents}
${sections.map((section, i) => renderSection(section, ids[i])).join('\n')}
${footer ? `<footer>${inline(footer)}</footer>` : ''}
</main>
</body>
</html>
`;
}

function renderSection({ heading, text, figure, caption, table, code }: ReportSection, id: string): string {
  return `<section id="${id}">
<h2>${escapeXml(heading)}</h2>
${text ? paragraphs(text) : ''}
${figure ? `<figure>${picture(figure, caption ?? heading)}${caption ? `<figcaption>${inline(caption)}</figcaption>` : ''}</figure>` : ''}
${table ? renderTable(table, heading) : ''}
${code ? `<pre><code>${escapeXml(code.replace(/\n+$/, ''))}</code></pre>` : ''}
</section>`;
}

/** A figure stays an SVG and so sharp at any zoom; a PNG is embedded. */
function picture(figure: Figure | Uint8Array, alt: string): string {
  // Wide figures fill the column; small ones keep their size rather than shout.
  if (figure instanceof Figure)
    return `<div class="drawing${figure.width >= 600 ? ' wide' : ''}">${figure.toSvg('page')}</div>`;
  const png = Buffer.from(figure.buffer, figure.byteOffset, figure.byteLength);
  ensure(
    png.length > 24 && png.readUInt32BE(0) === 0x89504e47,
    () => `The picture "${alt}" of the report is not a PNG file: pass a Figure or the bytes of a PNG.`,
  );
  // Twice as many image pixels as page pixels, as Figure.toPng makes them.
  return `<img alt="${escapeXml(alt)}" width="${Math.round(png.readUInt32BE(16) / 2)}" src="${pngDataUri(png)}">`;
}

function renderTable({ columns, rows }: ReportTable, heading: string): string {
  for (const row of rows)
    ensure(
      row.length === columns.length,
      () => `A row of the table under "${heading}" has ${row.length} cells, not ${columns.length}.`,
    );
  const numeric = columns.map(
    (_, c) =>
      rows.length > 0 &&
      rows.every(
        (row) => typeof row[c] === 'number' || /^[−-]?[\d.,]+(e[−-]?\d+)?\s*[%a-zµ]*$/i.test(row[c] as string),
      ),
  );
  const cell = (tag: string, text: string | number, c: number): string =>
    `<${tag}${numeric[c] ? ' class="n"' : ''}>${inline(String(text))}</${tag}>`;
  const head = columns.map((name, c) => cell('th', name, c)).join('');
  const body = rows.map((row) => `<tr>${row.map((value, c) => cell('td', value, c)).join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function keyFigure({ value, label, note }: KeyFigure): string {
  return `<div><dt>${escapeXml(label)}</dt><dd>${escapeXml(value)}${note ? `<small>${escapeXml(note)}</small>` : ''}</dd></div>`;
}

function paragraphs(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((p) => `<p>${inline(p)}</p>`)
    .join('\n');
}

function inline(text: string): string {
  return escapeXml(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');
}
