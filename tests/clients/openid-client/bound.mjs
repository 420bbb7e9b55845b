// An application with a key of its own, by openid-client as it comes: private_key_jwt, pushed authorization request, tokens
// bound by DPoP, a protected resource, refresh, introspection, client credentials, revocation, logout.

import * as client from 'openid-client'
import { text } from 'node:stream/consumers'
import { Person } from './pages.mjs'

const given = JSON.parse(await text(process.stdin))
const key = await crypto.subtle.importKey('jwk', given.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const config = await client.discovery(
  new URL(given.gateway), given.client_id, undefined, client.PrivateKeyJwt({ key, kid: given.key.kid }),
)
client.enableNonRepudiationChecks(config)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const address = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: given.redirect_uri,
  scope: 'openid profile email shop',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
}, { DPoP })
const person = new Person(given.gateway, given.login, given.password)
const answer = await person.arrive(address, given.redirect_uri)
const again = await fetch(address, { redirect: 'manual' })

const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const first = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP })
const claims = first.claims()
const userinfo = await client.fetchUserInfo(config, first.access_token, claims.sub, { DPoP })
const resource = (token, options) =>
  client.fetchProtectedResource(config, token, new URL(given.resource, given.gateway), 'GET', undefined, undefined, options)
const served = await resource(first.access_token, { DPoP })
const bearer = await fetch(new URL(given.resource, given.gateway), { headers: { authorization: `Bearer ${first.access_token}` } })
const second = await client.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })
const account = await client.tokenIntrospection(config, second.access_token)
const own = await client.clientCredentialsGrant(config, { scope: 'shop' }, { DPoP })
const alone = await resource(own.access_token, { DPoP })
await client.tokenRevocation(config, second.refresh_token)
const refused = await client.refreshTokenGrant(config, second.refresh_token, undefined, { DPoP }).catch((error) => error)
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: first.id_token, post_logout_redirect_uri: given.redirect_uri, state: expectedState,
})
const goodbye = await person.arrive(logout, given.redirect_uri)

console.log(JSON.stringify({
  parameters: [...address.searchParams.keys()].sort(),
  used_request_uri: again.status,
  token_type: first.token_type.toLowerCase(),
  name: userinfo.name,
  served: served.status,
  as_bearer: bearer.status,
  refreshed: second.access_token !== first.access_token,
  active: account.active,
  bound: Boolean(account.cnf?.jkt),
  by_itself: alone.status,
  after_revocation: refused.error,
  logged_out: goodbye.searchParams.get('state') === expectedState,
}))
