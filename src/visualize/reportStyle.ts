import { themeVariables } from './svg.js';
import { fontBytes, type Weight } from './text.js';

/** The categorical colours of color.ts with the lightness that a dark page needs. */
const DARK_SERIES = ['#4aa8e8', '#f0803c', '#2fc296', '#e39cc4', '#f0b840', '#8fd0f5', '#c49a6c', '#a6a6a6'];

/** The style sheet of a report: the same letters as in the figures, embedded, and one set of colours for each scheme. */
export function reportStyle(): string {
  return `${fontFace('regular', 400)}${fontFace('bold', 600)}
:root{color-scheme:light dark;--page:#fbfcfd;--card:#ffffff;--code:#f1f4f7;--line:#e1e6eb;${themeVariables()}}
@media(prefers-color-scheme:dark){:root{--page:#0f1419;--card:#161c23;--code:#1b232c;--line:#2a333e;${themeVariables({ ink: '#e6eaef', muted: '#9aa7b5', faint: '#6b7785', grid: '#2a333e', paper: '#161c23', accent: '#5bb0ea' }, DARK_SERIES)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--figure-ink);font:400 16px/1.6 'Hiperceiver Inter',system-ui,sans-serif;-webkit-font-smoothing:antialiased}
main{max-width:940px;margin:0 auto;padding:56px 24px 72px}
h1{font-size:34px;line-height:1.2;letter-spacing:-.02em;font-weight:600;margin:0 0 14px;text-wrap:balance}
h2{font-size:21px;line-height:1.3;letter-spacing:-.01em;font-weight:600;margin:0 0 10px;scroll-margin-top:20px}
section{margin-top:52px}
p{margin:0 0 14px;max-width:72ch}
.summary{font-size:18px;color:var(--figure-muted)}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:28px 0 0}
.key div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px 12px}
.key dt{font-size:13px;color:var(--figure-muted)}
.key dd{margin:2px 0 0;font-size:28px;line-height:1.25;font-weight:600;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.key small{display:block;font-size:13px;line-height:1.4;font-weight:400;letter-spacing:0;color:var(--figure-muted)}
nav{margin-top:32px;padding:16px 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
nav ol{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:4px 24px;counter-reset:part}
nav li{counter-increment:part;font-size:14px}
nav li::before{content:counter(part) ' ';color:var(--figure-faint)}
a{color:var(--figure-accent);text-decoration:none}
a:hover{text-decoration:underline}
figure{margin:18px 0 14px}
figure svg,figure img{display:block;max-width:100%;height:auto;margin:0 auto}
.wide svg{width:100%}
.drawing{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:6px;overflow:hidden}
figure img{border:1px solid var(--line);border-radius:10px;background:#fff}
figcaption{margin-top:10px;font-size:14px;line-height:1.5;color:var(--figure-muted)}
.scroll{overflow-x:auto;margin:16px 0}
table{border-collapse:collapse;width:100%;font-size:15px;font-variant-numeric:tabular-nums}
th{font-weight:600;text-align:left;color:var(--figure-muted);font-size:13px;border-bottom:1.5px solid var(--figure-faint);padding:6px 16px 6px 0}
td{border-bottom:1px solid var(--line);padding:7px 16px 7px 0;vertical-align:top}
.n{text-align:right}
th:last-child,td:last-child{padding-right:0}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.88em}
code{background:var(--code);border-radius:4px;padding:1px 5px}
pre{background:var(--code);border:1px solid var(--line);border-radius:10px;padding:14px 18px;overflow-x:auto;line-height:1.55;margin:14px 0}
pre code{background:none;padding:0;font-size:13.5px}
footer{margin-top:64px;padding-top:16px;border-top:1px solid var(--line);font-size:13px;color:var(--figure-muted)}
@media print{body{background:#fff}main{padding:0}section{break-inside:avoid}}`;
}

function fontFace(weight: Weight, cssWeight: number): string {
  return `@font-face{font-family:'Hiperceiver Inter';font-weight:${cssWeight};src:url(data:font/woff;base64,${fontBytes(weight).toString('base64')}) format('woff')}\n`;
}
