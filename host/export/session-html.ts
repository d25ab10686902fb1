import { createHash } from 'node:crypto';
import type { ImageContent } from '../model/messages.ts';
import { messagesOf } from '../session/context.ts';
import type { SessionEntry } from '../session/entry.ts';
import { sessionStats } from '../session/session-stats.ts';
import type { SessionTree } from '../session/session-tree.ts';
import { type AgentMessage, titleOf } from '../loop/transcript.ts';
import { terminalText } from '../terminal-text.ts';

/**
 * A session as one page that can be mailed to anybody: no script, nothing loaded from anywhere, and a policy that
 * forbids both. Everything that was said is text, whatever markup a model or a file put into it.
 */
export function sessionHtml(tree: SessionTree): string {
  const title = tree.name ?? `session ${tree.header.id}`;
  const branch = tree.branch();
  const shown = new Set(branch.map(({ id }) => id));
  const others = leavesOf(tree).filter(({ id }) => !shown.has(id));
  const { totalMessages, toolCalls, tokens, cost } = sessionStats(tree.entries);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${text(title)}</h1>
<p>${text(tree.header.cwd)} · <time datetime="${text(tree.header.timestamp)}">${text(tree.header.timestamp)}</time> · ${totalMessages} messages · ${toolCalls} tool calls · ${tokens.total} tokens · $${cost.toFixed(4)}</p>
</header>
<main>
${branchHtml(branch, new Set())}
</main>
${others.length === 0 ? '' : `<section>\n<h2>Other branches</h2>\n${others.map((leaf) => otherBranch(tree, leaf, shown)).join('\n')}\n</section>\n`}</body>
</html>
`;
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:52rem;margin:0 auto;padding:1rem}
article,details{margin:0 0 1rem;padding:.5rem 1rem;border-left:3px solid #8886;overflow-wrap:anywhere}
article.user{border-color:#37c}article.assistant{border-color:#292}.failed{border-color:#c33}
h3{margin:0;font-size:.8rem;font-weight:600;opacity:.7}
.said{white-space:pre-wrap}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0;font-size:.85rem}
img{max-width:100%}summary{cursor:pointer}`;
/** The page allows this style and no other. */
const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;

function leavesOf(tree: SessionTree): readonly SessionEntry[] {
  const parents = new Set(tree.entries.map(({ parentId }) => parentId));
  // a label or a name is no place where somebody stopped talking
  return tree.entries.filter(({ id, type }) => !parents.has(id) && (type === 'message' || type === 'custom_message' || type === 'branch_summary'));
}

function otherBranch(tree: SessionTree, leaf: SessionEntry, shown: ReadonlySet<string>): string {
  return `<details><summary>until ${text(leaf.timestamp)}</summary>\n${branchHtml(tree.branch(leaf.id), shown)}\n</details>`;
}

/** All of a branch, with what compactions left out of the context; `without` is shown elsewhere. */
function branchHtml(branch: readonly SessionEntry[], without: ReadonlySet<string>): string {
  return branch
    .filter(({ id }) => !without.has(id))
    .flatMap(messagesOf)
    .map(messageHtml)
    .join('\n');
}

function messageHtml(message: AgentMessage): string {
  switch (message.role) {
    case 'user':
      return article('user', 'you', contentHtml(message.content));
    case 'assistant': {
      const blocks = message.content.map((block) => {
        switch (block.type) {
          case 'text':
            return said(block.text);
          case 'thinking':
            return block.redacted === true ? folded('thinking', '(not readable)') : folded('thinking', block.thinking);
          case 'toolCall':
            return folded(`calls ${block.name}`, JSON.stringify(block.arguments, undefined, 2));
        }
      });
      const error = message.errorMessage === undefined ? '' : `<pre class="failed">${text(message.errorMessage)}</pre>`;
      return article('assistant', `${message.provider}/${message.model}`, blocks.join('\n') + error);
    }
    case 'toolResult':
      return `<details${message.isError ? ' class="failed"' : ''}><summary>result of ${text(message.toolName)}${message.isError ? ', failed' : ''}</summary>${contentHtml(message.content, true)}</details>`;
    case 'bashExecution':
      return folded(`$ ${message.command}`, message.output);
    case 'custom':
      return message.display ? article('custom', titleOf(message), contentHtml(message.content)) : '';
    case 'branchSummary':
      return folded('summary of another branch', message.summary);
    case 'compactionSummary':
      return folded(`summary of everything before, ${message.tokensBefore} tokens`, message.summary);
    case 'system':
      return '';
  }
}

function contentHtml(content: string | readonly ({ readonly type: 'text'; readonly text: string } | ImageContent)[], isCode = false): string {
  const wrap = isCode ? (value: string): string => `<pre>${text(value)}</pre>` : said;
  if (typeof content === 'string') return wrap(content);
  return content.map((block) => (block.type === 'text' ? wrap(block.text) : imageHtml(block))).join('\n');
}

/** Pictures only: an SVG can hold links, and what is no base64 could end the attribute. */
function imageHtml({ mimeType, data }: ImageContent): string {
  const isPicture = /^image\/(?:png|jpeg|gif|webp)$/.test(mimeType) && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
  return isPicture ? `<img alt="an image" src="data:${mimeType};base64,${data}">` : said(`(a file of the type ${mimeType})`);
}

function article(kind: string, name: string, html: string): string {
  return `<article class="${kind}"><h3>${text(name)}</h3>${html}</article>`;
}

function folded(title: string, content: string): string {
  return `<details><summary>${text(title)}</summary><pre>${text(content)}</pre></details>`;
}

function said(value: string): string {
  return value.trim() === '' ? '' : `<div class="said">${text(value)}</div>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function text(value: string): string {
  return terminalText(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
