// A person goes on in another company without signing in again, by openid-client as it comes: token exchange (RFC 8693).

import * as client from 'openid-client'
import { text } from 'node:stream/consumers'
import { Person } from './pages.mjs'

const given = JSON.parse(await text(process.stdin))
const config = await client.discovery(new URL(given.gateway), given.client_id, undefined, client.None())
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: given.redirect_uri,
  scope: 'openid company',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  company: given.first,
})
const answer = await new Person(given.gateway, given.login, given.password).arrive(address, given.redirect_uri)
const first = await client.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })
const second = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
  subject_token: first.access_token,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  company: given.second,
})
const statuses = await Promise.all([first, second].flatMap((tokens) => [given.first, given.second].map(async (company) =>
  (await client.fetchProtectedResource(config, tokens.access_token, new URL(`/v1/${company}`, given.gateway), 'GET')).status)))

console.log(JSON.stringify({ statuses, issued: second.issued_token_type, refresh: second.refresh_token ?? null }))
