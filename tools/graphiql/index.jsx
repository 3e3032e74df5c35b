import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';

const KEY = 'muster-token';

const FIRST_QUERY = `# Ctrl-Enter runs the query, Ctrl-Space completes it.
{
  store {
    name
    timezone
  }
  segments(first: 5) {
    nodes {
      name
      memberCount
    }
  }
}
`;

function connect(token) {
  const url = new URL(location.pathname, location.href).href;
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  return createGraphiQLFetcher({
    url,
    headers: authorization,
    wsClient: createClient({
      url: url.replace(/^http/, 'ws'),
      connectionParams: authorization,
      lazy: true,
      retryAttempts: 0,
    }),
  });
}

function TokenField({ token, onChange }) {
  const [draft, setDraft] = useState(token);
  const save = event => {
    event.preventDefault();
    onChange(draft.trim().replace(/^Bearer\s+/i, ''));
  };
  return (
    <form className="token" onSubmit={save}>
      <label htmlFor="token">Token</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellCheck="false"
        placeholder="muster token create"
        value={draft}
        onChange={event => setDraft(event.target.value)}
      />
      <button type="submit" disabled={draft.trim() === token}>
        {token && draft.trim() === token ? 'In use' : 'Use'}
      </button>
    </form>
  );
}

function Page() {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEY) ?? '');
  const fetcher = useMemo(() => connect(token), [token]);
  const keep = value => {
    sessionStorage.setItem(KEY, value);
    setToken(value);
  };
  return (
    <>
      <header>
        <strong>Muster</strong>
        <TokenField token={token} onChange={keep} />
        {token ? null : <p>Enter an API token: queries and the documentation need one.</p>}
      </header>
      <main>
        <GraphiQL
          key={token}
          fetcher={fetcher}
          schema={token ? undefined : null}
          defaultQuery={FIRST_QUERY}
          defaultEditorToolsVisibility={false}
        />
      </main>
    </>
  );
}

createRoot(document.getElementById('root')).render(<Page />);
