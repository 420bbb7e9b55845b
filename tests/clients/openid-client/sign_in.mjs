// One application's life with the gateway, by openid-client as it comes: discovery, code with PKCE, refresh, userinfo,
// revocation, logout. Reads what it needs as JSON from standard input, and says what it saw as JSON.

import * as client from 'openid-client'
import { text } from 'node:stream/consumers'
import { Person } from './pages.mjs'

const given = JSON.parse(await text(process.stdin))
const secret = given.client_secret
const config = await client.discovery(
  new URL(given.gateway), given.client_id, secret, secret ? client.ClientSecretBasic(secret) : client.None(),
)
// ID tokens are verified by their signature too, not by TLS alone.
client.enableNonRepudiationChecks(config)

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: given.redirect_uri,
  scope: 'openid profile email account',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  max_age: '300',
})
const person = new Person(given.gateway, given.login, given.password)
const answer = await person.arrive(address, given.redirect_uri)

const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 300, idTokenExpected: true }
const first = await client.authorizationCodeGrant(config, answer, checks)
const claims = first.claims()
const second = await client.refreshTokenGrant(config, first.refresh_token)
const userinfo = await client.fetchUserInfo(config, second.access_token, claims.sub)
await client.tokenRevocation(config, second.refresh_token)
const refused = await client.refreshTokenGrant(config, second.refresh_token).catch((error) => error)
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: first.id_token,
  post_logout_redirect_uri: given.redirect_uri,
  state: expectedState,
})
const goodbye = await person.arrive(logout, given.redirect_uri)

console.log(JSON.stringify({
  issuer: answer.searchParams.get('iss'),
  audience: claims.aud,
  refreshed: second.access_token !== first.access_token,
  rotated: second.refresh_token !== first.refresh_token,
  name: userinfo.name,
  after_revocation: refused.error,
  logged_out: goodbye.searchParams.get('state') === expectedState,
}))
