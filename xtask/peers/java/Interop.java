// Java's HttpClient in the interop matrix: `java Interop.java CELL URL AUTHORITY`; ../README.md has the cells.
// It shows neither interim responses nor trailers and sends no trailers: there are no such cells here.

import java.io.FileInputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SubmissionPublisher;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Interop {
    static final int BIG = 10 << 20;

    final HttpClient client;
    final String base;

    Interop(String base, String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = new FileInputStream(authority)) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).sslContext(tls).build();
        this.base = base;
    }

    /** What every program here makes and checks. */
    static byte[] pattern(int octets) {
        byte[] made = new byte[octets];
        for (int i = 0; i < octets; i++) {
            made[i] = (byte) (i ^ i >> 8 ^ i >> 16);
        }
        return made;
    }

    static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofSeconds(30));
    }

    static void check(HttpResponse<?> response, int status) {
        expect(response.version() == HttpClient.Version.HTTP_2, "not HTTP/2");
        expect(response.statusCode() == status, "status " + response.statusCode() + " instead of " + status);
    }

    HttpResponse<byte[]> whole(HttpRequest.Builder request, int status, byte[] wanted) throws Exception {
        HttpResponse<byte[]> response = client.send(request.build(), BodyHandlers.ofByteArray());
        check(response, status);
        expect(Arrays.equals(response.body(), wanted), response.body().length + " octets, or others, instead of " + wanted.length);
        return response;
    }

    void get() throws Exception {
        whole(request("/1k"), 200, pattern(1 << 10));
    }

    void post() throws Exception {
        byte[] sent = pattern(BIG);
        whole(request("/echo").POST(BodyPublishers.ofByteArray(sent)), 200, sent);
    }

    void head() throws Exception {
        var response = whole(request("/1k").method("HEAD", BodyPublishers.noBody()), 200, new byte[0]);
        expect(response.headers().firstValueAsLong("content-length").orElse(0) == 1024, "content-length is not 1024");
        get();
    }

    void hints() throws Exception {
        whole(request("/hints"), 200, "hinted".getBytes());
    }

    /** The body of this request never ends by itself. */
    void early() throws Exception {
        try (SubmissionPublisher<ByteBuffer> body = new SubmissionPublisher<>()) {
            BodyPublisher open = BodyPublishers.fromPublisher(body);
            var answer = client.sendAsync(request("/early").POST(open).build(), BodyHandlers.ofByteArray());
            while (body.getNumberOfSubscribers() == 0 && !answer.isDone()) {
                Thread.onSpinWait();
            }
            body.submit(ByteBuffer.wrap(pattern(1 << 10)));
            check(answer.get(), 413);
        }
        get();
    }

    void large() throws Exception {
        String large = "x".repeat(12 << 10);
        var response = whole(request("/large").header("x-large", large), 200, "12288".getBytes());
        expect(response.headers().firstValue("x-large").orElse("").equals(large), "the large field has not come back");
    }

    void reset() throws Exception {
        var response = client.send(request("/10m").build(), BodyHandlers.ofInputStream());
        check(response, 200);
        try (InputStream body = response.body()) {
            expect(body.readNBytes(64 << 10).length == 64 << 10, "no content came");
        }
        get();
    }

    void drain() throws Exception {
        var transfer = client.send(request("/10m").build(), BodyHandlers.ofInputStream());
        whole(request("/leave"), 200, "leaving".getBytes());
        for (int round = 0; round < 6; round++) {
            List<CompletableFuture<HttpResponse<byte[]>>> many = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                many.add(client.sendAsync(request("/1k").build(), BodyHandlers.ofByteArray()));
            }
            for (var answer : many) {
                check(answer.get(), 200);
                expect(Arrays.equals(answer.get().body(), pattern(1 << 10)), "other octets than the file's");
            }
        }
        byte[] got = transfer.body().readAllBytes();
        expect(Arrays.equals(got, pattern(BIG)), got.length + " octets of " + BIG + " came, or others");
    }

    public static void main(String[] args) throws Exception {
        Interop interop = new Interop(args[1], args[2]);
        switch (args[0]) {
            case "get" -> interop.get();
            case "post" -> interop.post();
            case "head" -> interop.head();
            case "1xx" -> interop.hints();
            case "early" -> interop.early();
            case "large" -> interop.large();
            case "reset" -> interop.reset();
            case "drain" -> interop.drain();
            default -> throw new IllegalArgumentException("no cell " + args[0]);
        }
        System.exit(0);
    }
}
