package io.headway.simulator.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.simulator.workload.TraceOptions.Unsorted;
import io.headway.simulator.workload.TraceOptions.ZeroOutput;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceReadersTest {
  private static final String AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  private static final String FIRST = "2023-11-16 18:17:03.9799600,4808,10\n";

  @Test
  void readsAzureRowsRelativeToTheFirst() throws IOException {
    Workload w =
        read(
            TraceFormat.AZURE,
            "folder/AzureLLMInferenceTrace_code.csv",
            AZURE + FIRST + "2023-11-16 18:17:04.0319600,3180,8\n",
            TraceOptions.DEFAULTS);
    assertThat(w.name()).isEqualTo("AzureLLMInferenceTrace_code");
    assertThat(w.arrivals()).containsExactly(0L, 52_000_000L);
    assertThat(w.prompts()).containsExactly(4808, 3180);
    assertThat(w.outputs()).containsExactly(10, 8);
    assertThat(w.types().name(w.types().code(1))).isEqualTo("code");
    assertThat(w.tenants().isPresent()).isFalse();
    assertThat(w.tenants().name(w.tenants().code(0))).isEmpty();
    assertThat(w.hasBlocks()).isFalse();
  }

  @Test
  void takesTheKindOfWorkFromTheName() throws IOException {
    assertThat(read("t_conv.csv", AZURE + FIRST).types().names()).containsExactly("conversation");
    assertThat(read("t.csv", AZURE + FIRST).types().isPresent()).isFalse();
  }

  @Test
  void toleratesLineEndsMarksBlankLinesAndAMissingLastEnd() throws IOException {
    String text = "\uFEFF" + (AZURE + FIRST).replace("\n", "\r\n") + "\r\n" + FIRST.strip();
    Workload w = read("t.csv", text);
    assertThat(w.size()).isEqualTo(2);
    assertThat(w.arrivals()).as("equal time stamps are kept").containsExactly(0L, 0L);
  }

  @ParameterizedTest
  @CsvSource({
    "2023-11-16 18:17:04, 20_040_000",
    "2023-11-16 18:17:04.5, 520_040_000",
    "2023-11-16 18:17:03.979961, 1_000",
    "2023-11-16 18:17:03.979960001, 1",
    "2023-11-16T18:17:04Z, 20_040_000",
    "2023-11-16 18:17:04.0000000+00:00, 20_040_000",
    "2023-11-16 19:17:04+01:00, 20_040_000",
    "2023-11-16 20:17:04+0200, 20_040_000",
    "2023-11-16 13:17:04-05, 20_040_000",
    "2023-11-17 00:00:00, 20_576_020_040_000",
  })
  void understandsTheNotationsOfTime(String timestamp, String nanos) throws IOException {
    Workload w = read("t.csv", AZURE + FIRST + timestamp + ",1,1\n");
    assertThat(w.arrivalNanos(1)).isEqualTo(Long.parseLong(nanos.replace("_", "")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "yesterday",
        "2023-11-31 00:00:00",
        "2023-11-16 24:00:00",
        "2023-11-16 18:60:00",
        "2023-11-16 18:17:61",
        "2023-11-16 18:17",
        "2023/11/16 18:17:04",
        "2023-11-16 18:17:04.",
        "2023-11-16 18:17:04.0123456789",
        "2023-11-16 18:17:04 UTC",
        "2023-11-16 18:17:04+1:00",
        "1023-11-16 18:17:04",
        "20a3-11-16 18:17:04",
      })
  void refusesOtherTimes(String timestamp) {
    assertThatThrownBy(() -> read("t.csv", AZURE + FIRST + timestamp + ",1,1\n"))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage(
            "t.csv:3: TIMESTAMP must be yyyy-MM-dd HH:mm:ss with up to 9 fraction digits and maybe"
                + " a zone, but was \""
                + timestamp
                + "\"");
  }

  @Test
  void findsColumnsByName() throws IOException {
    Workload w =
        read(
            TraceFormat.AZURE,
            "t.csv",
            "GeneratedTokens,Extra,TIMESTAMP,ContextTokens\n7,x,2023-11-16 18:17:04,30\n",
            TraceOptions.DEFAULTS);
    assertThat(w.promptTokens(0)).isEqualTo(30);
    assertThat(w.outputTokens(0)).isEqualTo(7);
  }

  @Test
  void saysWhatIsWrongWithAHeader() {
    refused(
        "",
        "t.csv:1: the first line must be the header TIMESTAMP,ContextTokens,GeneratedTokens, but is empty");
    refused(
        "TIMESTAMP,Context,GeneratedTokens\n",
        "t.csv:1: the header must have the column ContextTokens, as in"
            + " TIMESTAMP,ContextTokens,GeneratedTokens, but was"
            + " \"TIMESTAMP,Context,GeneratedTokens\"");
    refused(
        "TIMESTAMP,TIMESTAMP,ContextTokens,GeneratedTokens\n",
        "t.csv:1: the header must name each column once, but names \"TIMESTAMP\" twice");
    refused(AZURE, "t.csv:1: the trace must have at least one row of data, but has none");
  }

  @Test
  void saysWhatIsWrongWithARow() {
    refused(
        AZURE + FIRST + "2023-11-16 18:17:04.0,-5,3\n",
        "t.csv:3: ContextTokens must be a whole number of tokens in 1..16777216, but was \"-5\"");
    refused(
        AZURE + "2023-11-16 18:17:04.0,0,3\n",
        "t.csv:2: ContextTokens must be a whole number of tokens in 1..16777216, but was \"0\"");
    refused(
        AZURE + "2023-11-16 18:17:04.0,3.5,3\n",
        "t.csv:2: ContextTokens must be a whole number of tokens in 1..16777216, but was \"3.5\"");
    refused(
        AZURE + "2023-11-16 18:17:04.0,3,99999999999999999999\n",
        "t.csv:2: GeneratedTokens must be a whole number of tokens in 0..16777216, but was"
            + " \"99999999999999999999\"");
    refused(
        AZURE + "2023-11-16 18:17:04.0,3\n",
        "t.csv:2: the row must have 3 columns as the header, but had 2:"
            + " \"2023-11-16 18:17:04.0,3\"");
    refused(
        AZURE + FIRST + "2023-11-16 18:17:03.9799599,1,1\n",
        "t.csv:3: TIMESTAMP must not be before that of the row above, but is 100 ns earlier; sort"
            + " the trace or read it with unsorted SORT");
    refused(
        AZURE + "2023-11-16 18:17:04.0,\u0001" + "9".repeat(80) + ",3\n",
        "t.csv:2: ContextTokens must be a whole number of tokens in 1..16777216, but was \"?"
            + "9".repeat(59)
            + "…\"");
  }

  @Test
  void sortsStablyIfAsked() throws IOException {
    String text =
        AZURE
            + "2023-11-16 18:17:05,1,1\n2023-11-16 18:17:04,2,1\n2023-11-16 18:17:05,3,1\n"
            + "2023-11-16 18:17:04,4,1\n";
    Workload w =
        read(TraceFormat.AZURE, "t.csv", text, TraceOptions.DEFAULTS.withUnsorted(Unsorted.SORT));
    assertThat(w.prompts()).containsExactly(2, 4, 1, 3);
    assertThat(w.arrivals()).containsExactly(0L, 0L, 1_000_000_000L, 1_000_000_000L);
  }

  @Test
  void countsRowsWithoutOutput() throws IOException {
    String text = AZURE + FIRST + FIRST.replace(",10", ",0") + FIRST;
    Workload dropped = read("t.csv", text);
    assertThat(dropped.size()).isEqualTo(2);
    assertThat(dropped.droppedRows()).isEqualTo(1);
    assertThat(dropped.failedRows()).isZero();
    Workload failed =
        read(
            TraceFormat.AZURE,
            "t.csv",
            text,
            TraceOptions.DEFAULTS.withZeroOutput(ZeroOutput.FAIL));
    assertThat(failed.size()).isEqualTo(2);
    assertThat(failed.failedRows()).isEqualTo(1);
    assertThatThrownBy(
            () ->
                read(
                    TraceFormat.AZURE,
                    "t.csv",
                    text,
                    TraceOptions.DEFAULTS.withZeroOutput(ZeroOutput.REFUSE)))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageStartingWith("t.csv:3: the output must have at least 1 token, but had 0;");
  }

  @Test
  void stopsAtTheRowLimitWithoutLookingFurther() throws IOException {
    Workload w =
        read(
            TraceFormat.AZURE,
            "t.csv",
            AZURE + FIRST + FIRST + "garbage",
            TraceOptions.DEFAULTS.withLimitRows(2));
    assertThat(w.size()).isEqualTo(2);
  }

  @Test
  void refusesAnEndlessLineAfterReadingLittleOfIt() {
    Endless in = new Endless((byte) 'a');
    assertThatThrownBy(() -> TraceFormat.AZURE.reader().read("big.csv", in, TraceOptions.DEFAULTS))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage(
            "big.csv:1: the line must be at most 1048576 bytes, but is longer; is this a text file"
                + " with one request per line?");
    assertThat(in.given).isLessThan(3L << 20);
  }

  @Test
  void refusesAnEndlessFileAndTooManyRows() {
    Endless blank = new Endless((byte) '\n');
    TraceOptions small = TraceOptions.DEFAULTS.withMaxima(1 << 20, 100, 3);
    assertThatThrownBy(() -> TraceFormat.MOONCAKE.reader().read("b.jsonl", blank, small))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageEndingWith(
            "the trace must be at most 1048576 bytes; raise maxBytes to read a longer one");
    assertThatThrownBy(() -> read(TraceFormat.AZURE, "t.csv", AZURE + FIRST.repeat(4), small))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage(
            "t.csv:5: the trace must have at most 3 rows; raise maxRows or limit the rows to read");
  }

  @Test
  void allowsALineOfExactlyTheLimit() throws IOException {
    String header = AZURE.strip();
    TraceOptions exact = TraceOptions.DEFAULTS.withMaxima(1 << 20, header.length(), 10);
    String crlf = (AZURE + FIRST).replace("\n", "\r\n");
    assertThat(read(TraceFormat.AZURE, "t.csv", crlf, exact).size()).isEqualTo(1);
    TraceOptions shorter = TraceOptions.DEFAULTS.withMaxima(1 << 20, header.length() - 1, 10);
    assertThatThrownBy(() -> read(TraceFormat.AZURE, "t.csv", crlf, shorter))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageStartingWith("t.csv:1: the line must be at most 38 bytes");
  }

  @Test
  void refusesWhatIsNotText() {
    byte[] bytes = {(byte) 0xC3, (byte) 0x28, '\n'};
    assertThatThrownBy(
            () ->
                TraceFormat.CSV
                    .reader()
                    .read("t.csv", new ByteArrayInputStream(bytes), TraceOptions.DEFAULTS))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage("t.csv:1: the line must be UTF-8 text");
  }

  @Test
  void readsMooncakeLines() throws IOException {
    Workload w =
        read(
            TraceFormat.MOONCAKE,
            "conversation_trace.jsonl",
            "{\"timestamp\": 27, \"input_length\": 1025, \"output_length\": 5, \"hash_ids\": [0, 1,"
                + " 9000000000]}\n\n"
                + "{\"hash_ids\": [0], \"extra\": {\"a\": [1, {}]}, \"output_length\": 6,"
                + " \"input_length\": 512, \"timestamp\": 3027}",
            TraceOptions.DEFAULTS);
    assertThat(w.name()).isEqualTo("conversation_trace");
    assertThat(w.arrivals()).containsExactly(0L, 3_000_000_000L);
    assertThat(w.blocks().blockTokens()).isEqualTo(512);
    assertThat(w.blocks().count(0)).isEqualTo(3);
    assertThat(w.blocks().id(0, 2)).isEqualTo(9_000_000_000L);
    assertThat(w.blocks().id(1, 0)).isZero();
    assertThat(w.blocks().total()).isEqualTo(4);
    assertThatThrownBy(() -> w.blocks().id(1, 1))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("block must be in 0..0 of row 1, but was 1");
  }

  @Test
  void saysWhatIsWrongWithAMooncakeLine() {
    String good =
        "{\"timestamp\": 0, \"input_length\": 513, \"output_length\": 5, \"hash_ids\": [0, 1]}";
    refusedLine(
        good.replace("513", "512"),
        "hash_ids must have one id per 512 prompt tokens, 1 for 512 tokens, but had 2");
    refusedLine(
        good.replace("513", "-1"),
        "input_length must be a whole number of at least 0, but was \"-1\"");
    refusedLine(
        good.replace("513", "1.5"),
        "input_length must be a whole number of at least 0, but was \"1.5\"");
    refusedLine(
        good.replace("513", "0"),
        "input_length must be a whole number of tokens in 1..16777216, but was \"0\"");
    refusedLine(
        good.replace("\"timestamp\"", "\"time\""),
        "timestamp is missing; it must be a whole number of at least 0");
    refusedLine(
        good.replace("\"hash_ids\"", "\"ids\""),
        "hash_ids is missing; it must be an array of block ids");
    refusedLine(
        good.replace("[0, 1]", "[0, \"1\"]"),
        "hash_ids must be a whole number of at least 0, but was \"1\"");
    refusedLine(good.replace("[0, 1]", "7"), "hash_ids must be an array of block ids");
    refusedLine("[1]", "the line must be one JSON object");
    refusedLine(good + good, "the line must be one JSON object, but more text follows it");
    refusedLine(
        good.replace(": 0,", ": 99999999999999999999999999,"),
        "timestamp must be a whole number of at least 0, but was \"99999999999999999999999999\"");
    assertThatThrownBy(() -> read("t.jsonl", "{\"timestamp\": "))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageStartingWith("t.jsonl:1: the line must be one JSON object, but Unexpected end")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> read("t.jsonl", "{\"x\":" + "[".repeat(50) + "]".repeat(50) + "}"))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContaining("nesting depth");
  }

  @Test
  void readsBurstGptOfBothReleases() throws IOException {
    Workload old =
        read(
            "BurstGPT_1.csv",
            "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                + "5,ChatGPT,472,18,490,Conversation log\n45.25,GPT-4,1087,230,1317,API log\n"
                + "46,GPT-4,10,0,10,API log\n");
    assertThat(old.arrivals()).containsExactly(0L, 40_250_000_000L);
    assertThat(old.models().names()).containsExactly("ChatGPT", "GPT-4");
    assertThat(old.types().names()).containsExactly("conversation", "api");
    assertThat(old.droppedRows()).isEqualTo(1);
    Workload newer =
        read(
            "BurstGPT_3.csv",
            "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log"
                + " Type\n1,s-9,0.5,GPT-4,3,4,7,API log\n2,,0.5,GPT-4,3,4,7,API log\n"
                + "3,s-2,0.5,GPT-4,3,4,7,API log\n4,s-9,0.5,GPT-4,3,4,7,API log\n");
    assertThat(newer.hasSessions()).isTrue();
    assertThat(newer.session(0)).isZero();
    assertThat(newer.session(1)).isEqualTo(Workload.NO_SESSION);
    assertThat(newer.session(2)).isEqualTo(1);
    assertThat(newer.session(3)).isZero();
    assertThatThrownBy(() -> read("b.csv", "Timestamp,Request tokens,Response tokens\n-1,2,3\n"))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage("b.csv:2: Timestamp must be seconds of at least 0, but was \"-1\"");
  }

  @Test
  void readsEveryColumnOfTheOwnFormat() throws IOException {
    Workload w =
        read(
            "own.csv",
            "prompt_tokens,output_tokens,arrival_seconds,tenant,type,model,adapter,session,priority,block_ids_16\n"
                + "17,2,1.5,\"a, b\",code,m,,x,-3,5  6\n"
                + "16,3,1.5000000005,c,code,m,lora,,4,-5\n");
    assertThat(w.arrivals()).as("rounded to the nanosecond").containsExactly(0L, 1L);
    assertThat(w.tenants().names()).containsExactly("a, b", "c");
    assertThat(w.adapters().names()).containsExactly("", "lora");
    assertThat(w.priority(0)).isEqualTo(-3);
    assertThat(w.blocks().blockTokens()).isEqualTo(16);
    assertThat(w.blocks().id(0, 1)).isEqualTo(6);
    assertThat(w.blocks().id(1, 0)).isEqualTo(-5);
  }

  @ParameterizedTest
  @CsvSource({
    "arrival_seconds, 0.1, 100000000",
    "arrival_seconds, 1e-5, 10000",
    "arrival_seconds, 0.30000000000000004, 300000000",
    "arrival_millis, 2.5, 2500000",
    "arrival_nanos, 7, 7",
  })
  void takesArrivalsInThreeUnits(String column, String value, long nanos) throws IOException {
    Workload w = read("o.csv", column + ",prompt_tokens,output_tokens\n0,1,1\n" + value + ",1,1\n");
    assertThat(w.arrivalNanos(1)).isEqualTo(nanos);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "NaN", "1e400", "1e999999999", "0x10", "99999999999999"})
  void refusesOtherArrivals(String value) {
    assertThatThrownBy(
            () -> read("o.csv", "arrival_seconds,prompt_tokens,output_tokens\n" + value + ",1,1\n"))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage(
            "o.csv:2: arrival_seconds must be a decimal number of at least 0, but was \""
                + value
                + "\"");
  }

  @Test
  void saysWhatIsWrongWithTheOwnFormat() {
    String head = "arrival_nanos,prompt_tokens,output_tokens";
    refused(
        head + ",tenannt\n",
        "t.csv:1: the header has the unknown column \"tenannt\"; known are arrival_seconds, arrival_millis, arrival_nanos, prompt_tokens, output_tokens, tenant, type, model, adapter, session, priority and block_ids_N");
    refused(
        "prompt_tokens,output_tokens\n",
        "t.csv:1: the header must have one of arrival_seconds, arrival_millis, arrival_nanos, but was \"prompt_tokens,output_tokens\"");
    refused(
        head + ",arrival_millis\n",
        "t.csv:1: the header must have one of arrival_seconds, arrival_millis, arrival_nanos, but has two");
    refused(
        head + ",block_ids_0\n",
        "t.csv:1: the block_ids column must end in its tokens per block, 1..1048576, such as block_ids_512, but was \"block_ids_0\"");
    refused(
        head + ",block_ids_8\n0,9,1,1 x\n",
        "t.csv:2: block_ids_8 must be blank-separated 64-bit numbers, but has \"x\"");
    refused(
        head + ",block_ids_8\n0,9,1,1\n",
        "t.csv:2: block_ids_8 must have one id per 8 prompt tokens, 2 for 9 tokens, but had 1");
    refused(
        head + ",priority\n0,9,1,high\n",
        "t.csv:2: priority must be a 32-bit whole number, but was \"high\"");
    refused(
        head + ",tenant\n0,9,1,\"a\n",
        "t.csv:2: a quoted cell must end in a quotation mark on its line");
    refused(head + ",tenant\n0,9,1,\"a\"b\n", "t.csv:2: a quoted cell must be followed by a comma");
  }

  @Test
  void tellsFormatsApart(@TempDir Path folder) throws IOException {
    assertThat(TraceFormat.detect(file(folder, "a", AZURE))).isEqualTo(TraceFormat.AZURE);
    assertThat(TraceFormat.detect(file(folder, "b", "{\"timestamp\": 1}")))
        .isEqualTo(TraceFormat.MOONCAKE);
    assertThat(TraceFormat.detect(file(folder, "c", "Timestamp,Request tokens")))
        .isEqualTo(TraceFormat.BURSTGPT);
    assertThat(TraceFormat.detect(file(folder, "d", "prompt_tokens"))).isEqualTo(TraceFormat.CSV);
    Path other = file(folder, "e", "name,age\n");
    assertThatThrownBy(() -> TraceFormat.detect(other))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageStartingWith(other + ":1: the first line must be a JSON object (Mooncake) or")
        .hasMessageEndingWith("but was \"name,age\"");
    Path empty = file(folder, "f", "");
    assertThatThrownBy(() -> TraceFormat.detect(empty))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageEndingWith("the trace must have at least one line, but is empty");
  }

  @Test
  void readsCompressedFilesAndLimitsWhatComesOut(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("t.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write((AZURE + FIRST.repeat(10_000)).getBytes(StandardCharsets.UTF_8));
    }
    assertThat(Files.size(file)).isLessThan(20_000);
    Workload w = TraceFormat.read(file, TraceOptions.DEFAULTS);
    assertThat(w.size()).isEqualTo(10_000);
    assertThat(w.name()).isEqualTo("t");
    assertThatThrownBy(
            () -> TraceFormat.read(file, TraceOptions.DEFAULTS.withMaxima(100_000, 100, 100_000)))
        .isInstanceOf(TraceFormatException.class)
        .hasMessageContaining("must be at most 100000 bytes");
  }

  @Test
  void optionsNameWhatIsWrong() {
    assertThatThrownBy(() -> TraceOptions.DEFAULTS.withLimitRows(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("limitRows must be at least 1 rows, but was 0");
  }

  private static void refused(String text, String message) {
    assertThatThrownBy(() -> read("t.csv", text))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage(message);
  }

  private static void refusedLine(String line, String message) {
    assertThatThrownBy(() -> read("t.jsonl", line))
        .isInstanceOf(TraceFormatException.class)
        .hasMessage("t.jsonl:1: " + message);
  }

  private static Workload read(String source, String text) throws IOException {
    TraceFormat format =
        source.endsWith("jsonl")
            ? TraceFormat.MOONCAKE
            : text.contains("Request tokens")
                ? TraceFormat.BURSTGPT
                : text.contains("prompt_tokens") ? TraceFormat.CSV : TraceFormat.AZURE;
    return read(format, source, text, TraceOptions.DEFAULTS);
  }

  private static Workload read(TraceFormat format, String source, String text, TraceOptions options)
      throws IOException {
    return format
        .reader()
        .read(source, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), options);
  }

  private static Path file(Path folder, String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  /** A stream that never ends and counts what it gave. */
  private static final class Endless extends InputStream {
    private final byte content;
    private long given;

    Endless(byte content) {
      this.content = content;
    }

    @Override
    public int read() {
      given++;
      return content;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      java.util.Arrays.fill(buffer, offset, offset + length, content);
      given += length;
      return length;
    }
  }
}
