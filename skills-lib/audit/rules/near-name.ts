import { mentionedPackages } from '../mentioned-packages.ts';
import type { AuditRule } from '../rule.ts';

/** A package whose name is one slip away from one that everybody knows: who misreads it runs somebody else's code. */
export const nearName: AuditRule = {
  id: 'near-name',
  severity: 'high',
  find: ({ text }) =>
    mentionedPackages(text).flatMap(({ registry, name, offset }) => {
      const meant = knownNear(name, KNOWN[registry]);
      return meant === undefined ? [] : [{ offset, message: `installs \`${name}\`, which is nearly called \`${meant}\`` }];
    }),
};

/** Short names have too many neighbours that are honest. */
const MIN_LENGTH = 5;

function knownNear(name: string, known: ReadonlySet<string>): string | undefined {
  if (name.length < MIN_LENGTH || known.has(name)) return undefined;
  return [...known].find((other) => other.length >= MIN_LENGTH && isOneSlip(name, other));
}

/** One letter more, less, other, or two swapped; a hyphen more or less counts as well. */
function isOneSlip(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const rest = (text: string, from: number): string => text.slice(from);
  if (a.length === b.length) {
    const isSwapped = a[at] === b[at + 1] && a[at + 1] === b[at] && rest(a, at + 2) === rest(b, at + 2);
    return isSwapped || rest(a, at + 1) === rest(b, at + 1);
  }
  return a.length > b.length ? rest(a, at + 1) === rest(b, at) : rest(a, at) === rest(b, at + 1);
}

/** Those that are imitated, and honest neighbours of theirs. */
const KNOWN = {
  npm: new Set(
    `@anthropic-ai/sdk @modelcontextprotocol/sdk angular autoprefixer axios babel-loader bcrypt bcryptjs bootstrap chalk cheerio chokidar commander
     cookie-parser cross-env css-loader dayjs debug discord.js dotenv electron esbuild eslint execa express fastify framer-motion fs-extra glob
     graphql handlebars html-webpack-plugin husky immer inquirer ioredis jsdom jsonwebtoken jquery lodash mermaid minimist axiom mocha moment mongodb
     mongoose multer mysql2 nanoid next-auth node-fetch nodemailer nodemon openai playwright postcss preact prettier prisma prompts puppeteer
     react react-dom react-native react-router react-router-dom redis redux remark rimraf rollup semver sequelize sharp shelljs socket.io stripe
     styled-components svelte tailwindcss three ts-node tslib turbo typescript typeorm underscore uuid vitest webpack webpack-cli winston
     wrangler yargs yaml mysql knex rxjs ember jimp color colors marked markdown-it remarkable zustand mobx`.split(/\s+/),
  ),
  pip: new Set(
    `aiohttp anthropic beautifulsoup4 black boto3 botocore celery certifi click colorama cryptography django docker fastapi fastmcp flask gunicorn
     httpx jinja2 jsonschema jupyter keras langchain lxml markdown matplotlib mypy networkx nltk notebook numpy openai opencv-python openpyxl
     pandas paramiko pillow playwright plotly polars psutil gsutil psycopg2 psycopg2-binary pydantic pygments pyjwt pymongo pymupdf pypdf pypdf2 pytest
     python-dateutil python-docx python-dotenv python-pptx pyyaml redis reportlab requests rich ruff scikit-learn scipy seaborn selenium setuptools
     sqlalchemy streamlit tensorflow tiktoken torch torchvision tornado tqdm transformers typer urllib3 uvicorn virtualenv werkzeug wheel
     pdfplumber pdf2image pytesseract pypdfium2 grequests`.split(/\s+/),
  ),
} as const;
